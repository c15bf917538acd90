export { MemPool } from '@thi.ng/malloc';
