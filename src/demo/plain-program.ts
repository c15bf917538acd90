import { report } from './usage.js';
import { type Messages, Workload } from './workload.js';

// The demo's program with plain Buffers.

const messages: Messages<Buffer> = {
  make: (size, fill) => Buffer.allocUnsafe(size).fill(fill),
  share: (message) => message,
  first: (message) => message[0] ?? -1,
  drop: () => undefined,
};

const workload = new Workload(messages);
workload.start();
report(() => workload.count);
