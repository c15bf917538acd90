import reuse from 'buffer-reuse-pool';

export const { pool, free } = reuse;
