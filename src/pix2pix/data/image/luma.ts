/** Weights of red, green and blue in luma, after ITU-R BT.601, as in JPEG, PIL's "L" and OpenCV. */
export const LUMA = [0.299, 0.587, 0.114] as const;
