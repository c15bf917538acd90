import { type Bytes, FixedArena, TieredArena } from '../index.js';
import { serveInspector } from '../inspector/index.js';
import { report } from './usage.js';
import { type Messages, Workload } from './workload.js';

// The demo's program with arenas, and the inspector on them. Its first argument is the port.

const tiers = Workload.sizes.map((size) => FixedArena.withSlotCapacity(Workload.mostLive, size).build());
const arena = new TieredArena(tiers);

const messages: Messages<Bytes> = {
  make: (size, fill) => arena.tryAllocate(size)?.putBytes(fill, size).freeze(),
  share: (message) => message.clone(),
  first: (message) => message.at(0),
  drop: (message) => message.release(),
};

const inspector = await serveInspector({ arenas: { messages: arena }, port: Number(process.argv[2] ?? 0) });
const workload = new Workload(messages);
workload.start();
report(() => workload.count, inspector.url);
