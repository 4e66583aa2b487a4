// https of Node itself, with the global agent and with one of its own: node node_https.cjs BASE.
const crypto = require('crypto');
const https = require('https');

const [base] = process.argv.slice(2);
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

function ask(url, options, body) {
  return new Promise((resolve, reject) => {
    const asked = https.request(url, options, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('end', () => resolve(Buffer.concat(pieces)));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

(async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 2 });
  const data = crypto.randomBytes(3000000);
  for (const options of [{}, { agent }, { agent }]) {
    const said = (await ask(`${base}/sum`, { ...options, method: 'PUT' }, data)).toString().trim();
    if (said !== `${data.length} ${sha256(data)}`) throw new Error(said);
  }
  console.log(sha256(await ask(`${base}/bytes/5000000`, { agent })));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
