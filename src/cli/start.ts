// `npm start` is the demo, and `npm start -- PATH...` the digest.

const [node = '', script = '', ...args] = process.argv;
process.argv = [node, script, ...(args.length === 0 ? ['demo'] : ['digest', ...args])];
await import('./main.js');
