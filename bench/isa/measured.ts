/**
 * Milliseconds that an H200 took for the compared layers in each direction, to compare with the predictions.
 * Source: bench/results/h200-2026-11-26.md.
 */
export const MEASURED = {
  gpu: 'NVIDIA H200',
  date: '2026-11-26',
  /** First 16 digits of the SHA-256 of the measured shader, as bundled. */
  shader: '0589c5ddd3492a71',
  /** Multiply-adds of registers only, GFLOP/s. */
  roof: 57_234,
  /** Copying of vectors, GB/s. */
  bandwidth: 2945,
  multiprocessors: 132,
  /** Forward, input gradient, weight gradient, in the order of `COMPARED`. */
  milliseconds: [
    [0.0857, 0.0876, 0.103],
    [0.104, 0.103, 0.126],
    [0.117, 0.115, 0.125],
    [0.132, 0.167, 0.212],
    [0.115, 0.115, 0.115],
  ],
} as const;
