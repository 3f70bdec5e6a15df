export { cacheDirectory } from '../../util/cache.ts';
