import { describe } from '../base/check.js';

/** `Bytes` on their way to another thread, for `postMessage`: good once, in any thread that has the arena attached. */
export interface Ticket {
  readonly type: 'arena-alligator/ticket';
  /** Which arena; empty for bytes without any memory. */
  readonly arena: string;
  readonly message: number;
  readonly state: number;
}

/** Of bytes that hold no memory. */
export const EMPTY_TICKET: Ticket = Object.freeze({ type: 'arena-alligator/ticket', arena: '', message: -1, state: 0 });

/** @throws TypeError unless it has the shape of one */
export function checkTicket(ticket: unknown): Ticket {
  const { type, arena, message, state } = (
    typeof ticket === 'object' && ticket !== null ? ticket : {}
  ) as Partial<Ticket>;
  const sound =
    type === EMPTY_TICKET.type && typeof arena === 'string' && Number.isInteger(message) && Number.isInteger(state);
  if (!sound) throw new TypeError(`ticket must be one that toTicket() made, got ${describe(ticket)}`);
  // As they were read: what is asked again may answer otherwise.
  return { type, arena, message, state } as Ticket;
}
