// A custom waiting strategy: last in, first out. Under overload it first serves the newest requests, whose callers most
// likely still need an answer. The oldest requests pay for that with a longer wait, so they should have a timeout.
import { FixedArena, type Waiter, type WaitingRequest, type WaitRegistration } from 'arena-alligator';

class LifoWaiters implements Waiter {
  private readonly stack: LifoRegistration[] = [];

  register(): WaitRegistration {
    return new LifoRegistration(this.stack);
  }

  wake(): void {
    // claim() takes the slot for the request within this call, so no other request can take it first. It returns false
    // in two cases: the request was aborted and has already left the stack, or no slot is free after all.
    for (let top = this.stack.at(-1); top !== undefined; top = this.stack.at(-1)) {
      if (top.request?.claim() === true) {
        top.wake();
        return;
      }
      if (this.stack.at(-1) === top) return;
    }
  }
}

class LifoRegistration implements WaitRegistration {
  request: WaitingRequest | undefined;
  readonly woken: Promise<void>;
  private readonly stack: LifoRegistration[];
  private resolve: () => void = () => undefined;

  constructor(stack: LifoRegistration[]) {
    this.stack = stack;
    this.woken = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  prepare(request?: WaitingRequest): void {
    this.request = request;
    this.stack.push(this);
  }

  revoke(): void {
    const index = this.stack.indexOf(this);
    if (index >= 0) this.stack.splice(index, 1);
  }

  wake(): void {
    this.revoke();
    this.resolve();
  }
}

const arena = FixedArena.withSlotCapacity(1, 1024).buildAsyncWith(new LifoWaiters());
const first = arena.allocate();

const answers = ['early', 'middle', 'late'].map(async (name) => {
  const buffer = await arena.allocateAsync();
  console.log(name);
  buffer.abandon();
});
first.abandon();
await Promise.all(answers);
console.log(arena.metrics().waitsServed, arena.metrics().bytesLive);
