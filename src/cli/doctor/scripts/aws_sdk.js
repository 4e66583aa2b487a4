const { createRequire } = require('module');
const path = require('path');

const [endpoint, here] = process.argv.slice(2);
const places = [here, path.resolve(process.execPath, '../../lib')];
let name;
for (const place of places) {
  for (const service of ['sts', 's3']) {
    try {
      name = createRequire(path.join(place, 'probe.js')).resolve(`@aws-sdk/client-${service}`);
      break;
    } catch {}
  }
  if (name) break;
}
if (!name) process.exit(77);
const sdk = require(name);
const folder = name.slice(0, name.indexOf(path.sep, name.indexOf('client-')));
console.log('version', require(path.join(folder, 'package.json')).version);
const options = { endpoint, region: 'us-east-1', forcePathStyle: true };
const call = sdk.STSClient
  ? new sdk.STSClient(options).send(new sdk.GetCallerIdentityCommand({}))
  : new sdk.S3Client(options).send(new sdk.HeadObjectCommand({ Bucket: 'outgate-probe', Key: 'object' }));
call.then(() => process.exit(0), (error) => {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
});
