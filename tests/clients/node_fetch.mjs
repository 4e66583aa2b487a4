// fetch, as a program has it that knows of no proxy: node node_fetch.mjs BASE.
import crypto from 'node:crypto';

const [base] = process.argv.slice(2);
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');
const data = crypto.randomBytes(3000000);
const said = (await (await fetch(`${base}/sum`, { method: 'PUT', body: data })).text()).trim();
if (said !== `${data.length} ${sha256(data)}`) throw new Error(said);
const many = await Promise.all(Array.from({ length: 8 }, () => fetch(`${base}/bytes/100000`)));
for (const answer of many) if ((await answer.arrayBuffer()).byteLength !== 100000) throw new Error('short');
const plain = await (await fetch(`${base.replace('https:', 'http:')}/bytes/1000`)).arrayBuffer();
if (plain.byteLength !== 1000) throw new Error('plain HTTP');
console.log(sha256(Buffer.from(await (await fetch(`${base}/bytes/5000000`)).arrayBuffer())));
