require('https').get(process.argv[2], (answer) => {
  answer.resume();
  answer.on('end', () => process.exit(answer.statusCode === 200 ? 0 : 1));
}).on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
