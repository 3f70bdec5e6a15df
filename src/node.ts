/**
 * The library in Node: all of index.ts, and what a browser has no use for or cannot have: finding a driver, folders of
 * pictures, checkpoints on the disk, and the training loop that the command line runs.
 */

export { type Batch, BatchLoader, stepsPerEpoch } from './data/batches.ts';
export { type DataOptions, type Dataset, type OpenedData, openDataset, type Pair } from './data/dataset.ts';
export { writePictureAs } from './data/encode.ts';
export { type Picture, readPicture, resizePicture } from './data/picture.ts';
export { type CandidateReport, closeAdapter, openAdapter, surveyAdapters } from './gpu/drivers/index.ts';
export { openDevice } from './gpu/drivers/open_device.ts';
export * from './index.ts';
export { loadCheckpoint, loadGenerator, readCheckpointHeader, saveCheckpoint } from './train/checkpoint.ts';
export { sampleGrid } from './train/grid.ts';
export { type LogLine, readLog } from './train/log.ts';
export { Progress, type ProgressOptions } from './train/progress.ts';
export { type RunOptions, type RunResult, run } from './train/run.ts';
export { translate } from './train/translate.ts';
export { readSafetensors, writeFileAtomic, writeSafetensorsAtomic } from './util/files.ts';
