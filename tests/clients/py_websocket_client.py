"""websocket-client, which finds proxy and roots in the environment by itself."""
import os, sys
import websocket

socket = websocket.create_connection(sys.argv[1].replace("https://", "wss://") + "/ws", timeout=30)
for size in [1, 200, 70_000, 1_000_000]:
    data = os.urandom(size)
    socket.send_binary(data)
    assert socket.recv() == data
socket.close()
print("ok")
