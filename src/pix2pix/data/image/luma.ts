/** What red, green and blue weigh as brightness: luma of ITU-R BT.601, which JPEG, PIL's "L" and OpenCV use. */
export const LUMA = [0.299, 0.587, 0.114] as const;
