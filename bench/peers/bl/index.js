export { BufferList } from 'bl';
