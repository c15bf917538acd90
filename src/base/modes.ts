/** Which of the builder's exclusive options was taken. */
export type BuilderMode = 'standard' | 'spill' | 'raw';

/** Whether the arena is one thread's, or `shared()` by several. */
export type Sharing = 'plain' | 'shared';

/** Where an arena's own memory lies: in one buffer, in one that threads share, or in one for each slot or allocation. */
export type Placement = 'together' | 'shared' | 'apart';
