// A worker of the pool. It inverts an image. Image and result stay where they are: only tickets are posted.
import { type ArenaHandle, FixedArena, type Ticket } from 'arena-alligator';
import { workerData } from 'piscina';

/** The data that a worker of the pool gets. */
export interface Arenas {
  readonly jobs: ArenaHandle;
  readonly results: ArenaHandle;
}

const arenas: Arenas = workerData;
const jobs = FixedArena.attach(arenas.jobs);
const results = FixedArena.attach(arenas.results);

export default function invert(ticket: Ticket): Ticket {
  using job = jobs.redeem(ticket);
  using result = results.allocateBlocking(); // piscina gives this thread one job at a time, so it may block
  const target = result.chunkMut();
  job.view.forEach((byte, at) => {
    target[at] = 255 - byte;
  });
  return result.advanceMut(job.length).freeze().toTicket();
}
