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
export { Classifier, type ClassifierConfig } from './models/classifier.ts';
export { type DcganConfig, DcganDiscriminator, DcganGenerator } from './models/dcgan.ts';
export { crossEntropy } from './ops/cross_entropy.ts';
export { loadCheckpoint, loadGenerator, readCheckpointHeader, saveCheckpoint } from './train/checkpoint.ts';
export { Gan, type GanBatch, type GanLosses } from './train/gan.ts';
export { loadGan, loadGanGenerator, readGanHeader, saveGan } from './train/gan_checkpoint.ts';
export { GAN_PRESETS, type GanConfig, type GanPresetName } from './train/gan_config.ts';
export { runGan } from './train/gan_run.ts';
export { GanSampler, type SampleRequest } from './train/gan_sampler.ts';
export { sampleGrid } from './train/grid.ts';
export { type LogLine, readLog } from './train/log.ts';
export { Progress, type ProgressOptions } from './train/progress.ts';
export { type RunOptions, type RunResult, run } from './train/run.ts';
export { translate } from './train/translate.ts';
export { type Tuned, type TuneOptions, trainingStep, tuneModel } from './train/tune.ts';
export { choicesOf, TuningCache } from './train/tuning_cache.ts';
export { readSafetensors, writeFileAtomic, writeSafetensorsAtomic } from './util/files.ts';
