if (typeof fetch !== 'function') process.exit(77);
fetch(process.argv[2]).then(async (answer) => {
  await answer.text();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
}).catch((error) => {
  console.error(`${error.message}: ${error.cause ? error.cause.message : ''}`);
  process.exit(1);
});
