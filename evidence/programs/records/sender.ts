import { createServer } from 'node:net';
import { listen } from '../usage.js';

const [records = 0, bytes = 0] = process.argv.slice(2).map(Number);
const PER_WRITE = 256;

const server = createServer(async (socket) => {
  for (let number = 0; number < records; number += PER_WRITE) {
    const count = Math.min(PER_WRITE, records - number);
    const block = Buffer.alloc(count * (4 + bytes));
    for (let index = 0; index < count; index++) {
      block.writeUInt32BE(bytes, index * (4 + bytes));
      block.writeUInt32BE(number + index, index * (4 + bytes) + 4);
    }
    if (!socket.write(block)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  socket.once('close', () => process.exit());
});
process.send?.(await listen(server));
