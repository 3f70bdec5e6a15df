/**
 * The library in Node: all of index.ts, and what a browser has no use for or cannot have: finding a driver, folders of
 * pictures, checkpoints on the disk, and the training loop that the command line runs.
 */

export { type CandidateReport, closeAdapter, openAdapter, surveyAdapters } from './drivers/index.ts';
export { openDevice } from './drivers/open_device.ts';
export { readSafetensors, writeFileAtomic, writeSafetensorsAtomic } from './files/files.ts';
export * from './index.ts';
export { writePictureAs } from './pix2pix/data/image/encode.ts';
export { type Picture, readPicture, resizePicture } from './pix2pix/data/image/picture.ts';
export { type Batch, BatchLoader, stepsPerEpoch } from './pix2pix/data/sets/batches.ts';
export type { DataOptions, Dataset, OpenedData, Pair } from './pix2pix/data/sets/dataset.ts';
export { openDataset } from './pix2pix/data/sources/open.ts';
export { type Tuned, type TuneOptions, trainingStep, tuneModel } from './pix2pix/train/autotune/tune.ts';
export { choicesOf, TuningCache } from './pix2pix/train/autotune/tuning_cache.ts';
export {
  loadCheckpoint,
  loadGenerator,
  readCheckpointHeader,
  saveCheckpoint,
} from './pix2pix/train/checkpoint/checkpoint.ts';
export { loadGan, loadGanGenerator, readGanHeader, saveGan } from './pix2pix/train/checkpoint/gan_checkpoint.ts';
export { translate } from './pix2pix/train/evaluate/translate.ts';
export { trainGan } from './pix2pix/train/loop/gan_run.ts';
export { type LogLine, readLog } from './pix2pix/train/loop/log.ts';
export { Progress, type ProgressOptions } from './pix2pix/train/loop/progress.ts';
export { type RunOptions, type RunResult, trainPix2Pix } from './pix2pix/train/loop/run.ts';
export { sampleGrid } from './pix2pix/train/sheets/grid.ts';
