export { cacheDirectory } from '../files/cache.ts';
