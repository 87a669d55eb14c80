// The grid as the pages' scripts get it, only for their check.

/** `Grid` in view.py. */
interface Grid {
  center: number[];
  step: number[];
  middle: number[];
  cosine: number;
  sine: number;
  swap: boolean;
}
