/** The shared region: memory that guest, device and compositor share. */
export type { RegionMetrics } from './region-file.js';
export { RegionLink } from './region-link.js';
export { RegionRange } from './region-range.js';
export {
  REGION_BYTES_MAX,
  SharedRegion,
  type SharedRegionOptions,
  WINDOW_BYTES_MAX,
} from './shared-region.js';
export type { PlaceRefusal } from './window-part.js';
