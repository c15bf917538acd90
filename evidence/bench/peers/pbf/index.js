export { PbfWriter } from 'pbf';
