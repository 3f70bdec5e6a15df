/**
 * One convolution's sizes: `in` is the side that the kernel slides over, `out` the side with one value per position.
 */
export interface ConvGeometry {
  batch: number;
  inC: number;
  inH: number;
  inW: number;
  outC: number;
  outH: number;
  outW: number;
  kernelH: number;
  kernelW: number;
  strideH: number;
  strideW: number;
  padH: number;
  padW: number;
  /** Pixels from one tap of the kernel to the next; 1 for neighbours. */
  dilationH: number;
  dilationW: number;
  /** Groups of channels: each is a convolution from inC / groups to outC / groups channels. */
  groups: number;
  /** Whether operands may be rounded to halves: in a program of precision f16, on a device with a matrix unit. */
  halves?: true;
}

/** Positions of a kernel along one axis; less than 1 if it is larger than the padded input. */
export function positions(side: number, kernel: number, stride: number, pad: number, dilation: number): number {
  return Math.floor((side + 2 * pad - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** The number of values of the weight, (outC, inC / groups, kernelH, kernelW). */
export function weightSize({ outC, inC, groups, kernelH, kernelW }: ConvGeometry): number {
  return outC * (inC / groups) * kernelH * kernelW;
}

/** Multiplications of one convolution, the same in each direction. */
export function products(g: ConvGeometry): number {
  return g.batch * g.outH * g.outW * weightSize(g);
}

/** The sizes under the names that all convolution shaders use. */
export function geometryParams(g: ConvGeometry) {
  return {
    in_c: g.inC,
    in_h: g.inH,
    in_w: g.inW,
    out_c: g.outC,
    out_h: g.outH,
    out_w: g.outW,
    kernel_h: g.kernelH,
    kernel_w: g.kernelW,
    stride_h: g.strideH,
    stride_w: g.strideW,
    pad_h: g.padH,
    pad_w: g.padW,
  };
}

/** Products of matrices as one 1 × 1 convolution: a group for each, with so many channels, over one picture. */
export function pointwise(groups: number, into: number, out: number, [height, width]: [number, number]): ConvGeometry {
  const ones = { batch: 1, kernelH: 1, kernelW: 1, strideH: 1, strideW: 1, dilationH: 1, dilationW: 1 };
  const sides = { inH: height, inW: width, outH: height, outW: width };
  return { ...ones, ...sides, padH: 0, padW: 0, inC: groups * into, outC: groups * out, groups };
}
