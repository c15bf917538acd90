import { describe } from '../base/check.js';

/**
 * `Bytes` on their way to another thread, for `postMessage`. Any thread that has attached the arena can redeem it,
 * once.
 */
export interface Ticket {
  readonly type: 'arena-alligator/ticket';
  /** The id of the arena; empty for a handle on zero bytes. */
  readonly arena: string;
  readonly message: number;
  readonly state: number;
}

/** The ticket of zero bytes, which hold no memory. */
export const EMPTY_TICKET: Ticket = Object.freeze({ type: 'arena-alligator/ticket', arena: '', message: -1, state: 0 });

/** @throws TypeError unless `ticket` has the shape of a ticket */
export function checkTicket(ticket: unknown): Ticket {
  const { type, arena, message, state } = (
    typeof ticket === 'object' && ticket !== null ? ticket : {}
  ) as Partial<Ticket>;
  const sound =
    type === EMPTY_TICKET.type && typeof arena === 'string' && Number.isInteger(message) && Number.isInteger(state);
  if (!sound) throw new TypeError(`ticket must be one that toTicket() made, got ${describe(ticket)}`);
  // Copies of what was checked: a getter may answer differently the next time.
  return { type, arena, message, state } as Ticket;
}
