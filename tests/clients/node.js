// Node without any package: CONNECT by hand, TLS and HTTP over it.
// node.js PROXY NAME CA
const http = require('http');
const tls = require('tls');
const https = require('https');
const fs = require('fs');
const crypto = require('crypto');

const [proxy, name, ca] = process.argv.slice(2);

function tunnel() {
  return new Promise((resolve, reject) => {
    const at = new URL(proxy);
    const asked = http.request({ host: at.hostname, port: at.port, method: 'CONNECT', path: `${name}:443` });
    asked.on('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200 || head.length) return reject(new Error(`CONNECT: ${answer.statusCode}`));
      resolve(tls.connect({ socket, servername: name, ca: fs.readFileSync(ca) }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function request(method, path, body) {
  const socket = await tunnel();
  return new Promise((resolve, reject) => {
    const asked = https.request({ createConnection: () => socket, host: name, method, path }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('end', () => resolve(Buffer.concat(pieces)));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

(async () => {
  const data = crypto.randomBytes(3000000);
  const said = (await request('PUT', '/sum', data)).toString().trim();
  if (said !== `${data.length} ${sha256(data)}`) throw new Error(said);
  console.log(sha256(await request('GET', '/bytes/5000000')));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
