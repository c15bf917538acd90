export { RingBuffer } from 'ringbuf.js';
