/** A trace that cannot be read. */
export class TraceError extends Error {
  override readonly name: string = 'TraceError';
}
