export { Uint8ArrayList } from 'uint8arraylist';
