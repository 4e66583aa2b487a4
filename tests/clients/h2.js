// An HTTP/2 origin: h2.js CERTIFICATE KEY. Answers with the request's body.
const http2 = require('http2');
const fs = require('fs');

const [cert, key] = process.argv.slice(2).map((path) => fs.readFileSync(path));
const server = http2.createSecureServer({ cert, key });
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, 'x-method': headers[':method'] });
  stream.on('error', () => {});
  stream.pipe(stream);
});
server.on('sessionError', () => {});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
