// What programs use on Node, from the packages of package.json: node node_packages.mjs WHICH BASE.
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

const [which, base] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), 'packages.js'));
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');
const data = crypto.randomBytes(3000000);
const wanted = `${data.length} ${sha256(data)}`;

const clients = {
  async axios() {
    const axios = require('axios');
    const said = (await axios.put(`${base}/sum`, data)).data.trim();
    if (said !== wanted) throw new Error(said);
    return sha256((await axios.get(`${base}/bytes/5000000`, { responseType: 'arraybuffer' })).data);
  },
  async undici() {
    const { EnvHttpProxyAgent, fetch, setGlobalDispatcher } = require('undici');
    setGlobalDispatcher(new EnvHttpProxyAgent());
    const said = (await (await fetch(`${base}/sum`, { method: 'PUT', body: data })).text()).trim();
    if (said !== wanted) throw new Error(said);
    return sha256(Buffer.from(await (await fetch(`${base}/bytes/5000000`)).arrayBuffer()));
  },
  async agent() {
    const https = require('https');
    const { HttpsProxyAgent } = require('https-proxy-agent');
    const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
    return new Promise((resolve, reject) => {
      https.get(`${base}/bytes/5000000`, { agent }, (answer) => {
        const pieces = [];
        answer.on('data', (piece) => pieces.push(piece));
        answer.on('end', () => resolve(sha256(Buffer.concat(pieces))));
      }).on('error', reject);
    });
  },
  async sdk() {
    const { S3Client, PutObjectCommand, GetObjectCommand } = require('@aws-sdk/client-s3');
    const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
    const region = 'eu-west-1';
    const identity = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    if (identity.Account !== '123456789012') throw new Error(identity.Account);
    const s3 = new S3Client({ region });
    const place = { Bucket: 'bucket-of-tests', Key: "from node/\u00e9 +'()" };
    await s3.send(new PutObjectCommand({ ...place, Body: data }));
    const back = await (await s3.send(new GetObjectCommand(place))).Body.transformToByteArray();
    if (sha256(back) !== sha256(data)) throw new Error('other bytes');
    return 'ok';
  },
  async ws() {
    const WebSocket = require('ws');
    const { HttpsProxyAgent } = require('https-proxy-agent');
    const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
    const socket = new WebSocket(base.replace('https:', 'wss:') + '/ws', { agent });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    for (const size of [1, 200, 70000, 1000000]) {
      const sent = crypto.randomBytes(size);
      const got = new Promise((resolve) => socket.once('message', resolve));
      socket.send(sent);
      if (!sent.equals(await got)) throw new Error(`${size} other bytes`);
    }
    socket.close();
    await new Promise((resolve) => socket.once('close', resolve));
    return 'ok';
  },
  async grpc() {
    const grpc = require('@grpc/grpc-js');
    const same = (message) => message;
    const method = (requestStream, responseStream, name) => ({
      path: `/echo.Echo/${name}`, requestStream, responseStream,
      requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
    });
    const roots = require('fs').readFileSync(process.env.SSL_CERT_FILE);
    const Client = grpc.makeGenericClientConstructor({ One: method(false, false, 'One'), Many: method(true, true, 'Many') });
    const client = new Client(base, grpc.credentials.createSsl(roots), {
      'grpc.max_receive_message_length': -1,
    });
    const one = await new Promise((resolve, reject) =>
      client.One(data, (error, answer) => (error ? reject(error) : resolve(answer))));
    if (!one.equals(data)) throw new Error('other bytes');
    const call = client.Many();
    for (let number = 0; number < 50; number += 1) {
      const answer = new Promise((resolve, reject) => call.once('data', resolve).once('error', reject));
      call.write(Buffer.from([number]));
      if ((await answer)[0] !== number) throw new Error('another turn');
    }
    call.end();
    return 'ok';
  },
};

console.log(await clients[which]());
process.exit(0);
