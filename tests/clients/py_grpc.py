"""gRPC: a server of its own (`serve CERTIFICATE KEY`), and a client through http_proxy (`call NAME CA`)."""
import queue
import sys
from concurrent import futures
import grpc


def same(data):
    return data


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/echo.Echo/One":
            return grpc.unary_unary_rpc_method_handler(lambda message, _: message, same, same)
        if details.method == "/echo.Echo/Count":
            return grpc.unary_stream_rpc_method_handler(lambda message, _: iter([message] * 100), same, same)
        return grpc.stream_stream_rpc_method_handler(lambda messages, _: messages, same, same)


def serve(certificate, key):
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((Echo(),))
    with open(certificate, "rb") as chain, open(key, "rb") as secret:
        credentials = grpc.ssl_server_credentials([(secret.read(), chain.read())])
    print(f"port {server.add_secure_port('127.0.0.1:0', credentials)}", flush=True)
    server.start()
    sys.stdin.read()


def call(name, ca=None):
    """Without `ca` the roots are those of GRPC_DEFAULT_SSL_ROOTS_FILE_PATH."""
    if ca:
        with open(ca, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
    else:
        credentials = grpc.ssl_channel_credentials()
    with grpc.secure_channel(name, credentials, options=[("grpc.max_receive_message_length", -1)]) as channel:
        one = channel.unary_unary("/echo.Echo/One", same, same)
        for message in [b"hello", bytes(range(256)) * 8000]:
            assert one(message, timeout=20) == message
        many = channel.stream_stream("/echo.Echo/Many", same, same)
        sent = [bytes([number]) * 1000 for number in range(200)]
        assert list(many(iter(sent), timeout=20)) == sent
        count = channel.unary_stream("/echo.Echo/Count", same, same)
        assert list(count(b"x" * 5000, timeout=20)) == [b"x" * 5000] * 100
        # Turn by turn: the next is sent only when the last one's echo is there.
        turns = queue.Queue()
        turns.put(b"0")
        answers = many(iter(turns.get, None), timeout=20)
        for number in range(20):
            assert next(answers) == str(number).encode()
            turns.put(str(number + 1).encode() if number < 19 else None)
        assert list(answers) == []
    print("ok")


{"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
