/** Which of the builder's exclusive options was taken. */
export type BuilderMode = 'standard' | 'spill' | 'raw';

/** Whether the arena is one thread's, or `shared()` by several. */
export type Sharing = 'plain' | 'shared';
