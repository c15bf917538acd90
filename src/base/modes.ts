/** Which of the builder's mutually exclusive options was chosen. */
export type BuilderMode = 'standard' | 'spill' | 'raw';

/** Whether the arena belongs to one thread, or is `shared()` by several. */
export type Sharing = 'plain' | 'shared';

/**
 * Where an arena's own memory lies: in one buffer, in one buffer that threads share, or in a buffer for each slot or
 * allocation.
 */
export type Placement = 'together' | 'shared' | 'apart';
