import pool from 'typedarray-pool';

export const { mallocUint8, freeUint8 } = pool;
