/**
 * The library in Node: everything in index.ts, and what a browser cannot use: finding a driver, folders of pictures,
 * checkpoints on the disk, and the training loop of the command line.
 */

export {
  type CandidateReport,
  closeAdapter,
  type OpenedAdapter,
  openAdapter,
  surveyAdapters,
} from './drivers/index.ts';
export { openDevice } from './drivers/open_device.ts';
export type { AdapterReport, DriverKind } from './drivers/types.ts';
export type { ConvGeometry } from './engine/ops/conv/geometry.ts';
export { readSafetensors, type SafetensorsFile, writeFileAtomic, writeSafetensorsAtomic } from './files/files.ts';
export { FolderInUse, FolderLock, type LockOptions, type LockTimes } from './files/lock/lock.ts';
export * from './index.ts';
export type { DecodeOptions, ValueRange } from './pix2pix/data/decoders/bands.ts';
export type { VectorSize } from './pix2pix/data/image/decode.ts';
export { writePictureAs } from './pix2pix/data/image/encode.ts';
export { type Picture, readPicture, resizePicture } from './pix2pix/data/image/picture.ts';
export type { ResizeMode } from './pix2pix/data/image/resize.ts';
export { type Batch, BatchLoader, StepLoader, stepsPerEpoch } from './pix2pix/data/sets/batches.ts';
export type { DataOptions, Dataset, OpenedData, Pair } from './pix2pix/data/sets/dataset.ts';
export type { PictureSet } from './pix2pix/data/sets/picture_set.ts';
export { openDataset } from './pix2pix/data/sources/open.ts';
export {
  type OpenedPictures,
  type OpenPictureOptions,
  openPictures,
} from './pix2pix/data/sources/open_pictures.ts';
export type { BenchmarkResult } from './pix2pix/train/autotune/benchmark.ts';
export { type ConvCase, type Tuned, type TuneOptions, trainingStep, tuneModel } from './pix2pix/train/autotune/tune.ts';
export { choicesOf, type Measurements, TuningCache } from './pix2pix/train/autotune/tuning_cache.ts';
export {
  loadCheckpoint,
  loadGenerator,
  readCheckpointHeader,
  saveCheckpoint,
} from './pix2pix/train/checkpoint/checkpoint.ts';
export {
  type GanHeader,
  loadGan,
  loadGanGenerator,
  readGanHeader,
  saveGan,
} from './pix2pix/train/checkpoint/gan_checkpoint.ts';
export type { HeldOutSetOptions } from './pix2pix/train/evaluate/held_out.ts';
export { translate } from './pix2pix/train/evaluate/translate.ts';
export { ganBatches } from './pix2pix/train/gan/gan_batches.ts';
export { trainGan } from './pix2pix/train/gan/gan_run.ts';
export type { RunEnd } from './pix2pix/train/loop/core.ts';
export { type LogLine, readLog } from './pix2pix/train/loop/folder/log.ts';
export { Progress, type ProgressNumbers, type ProgressOptions } from './pix2pix/train/loop/progress.ts';
export { type RunOptions, type RunResult, trainPix2Pix } from './pix2pix/train/loop/run.ts';
export type { LoopOptions, LoopResult } from './pix2pix/train/loop/task.ts';
export { type GridOptions, type SampleRow, sampleGrid } from './pix2pix/train/sheets/grid.ts';
