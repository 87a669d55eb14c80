// The types of the live page's scripts, only for their check: what `config.py` gives them, and what
// TypeScript's library lacks of WebGPU.

interface Navigator {
  gpu?: any;
}
declare const GPUBufferUsage: Record<string, number>;
declare const GPUTextureUsage: Record<string, number>;
declare const GPUMapMode: Record<string, number>;

// ---- the page's data: config.py ------------------------------------------------------------------

interface Config {
  zoom: number;
  samples: number;
  whole: number[];
  drawn: number[];
  scale: number;
  rotation: number;
  stretch: boolean;
  endpoints: boolean;
  grid: Grid;
  origin: number[];
  inputs: string[];
  z: number[];
  latent: { scale: number; kind: string; a: number; b: number };
  width: number;
  channels: number;
  patterns: [name: Activation, count: number][][];
  layers: number[];
  rows: Record<
    | "vectors" | "perVector" | "perLayer" | "reference" | "outputs" | "palette" | "stops"
    | "weights" | "factors" | "readout" | "count" | "constant" | "unrolled",
    number
  >;
  fold?: { mirror: string; repeat: string; lines: [cosine: number, sine: number][] };
  detail?: Detail;
  film?: FilmConfig;
}
/** As in cppn/detail.py. */
interface Detail {
  scale: number;
  decay: number[];
  factors: number[];
  frequency: number[];
  variance: number[];
  means: Partial<Record<Activation, number>>[];
  limit: number;
  fade: number;
  calm: number;
  busy: number;
  followed: number;
  recede: number;
  near: number;
  far: number;
  ramp: number;
  fineness: number;
  direct: [whole: number, inside: number];
  overall: number;
  faintest: number;
  octave: number[]; // of each layer from the first, by `Reference`
}
/** `motion.Motion.config` */
interface FilmConfig {
  seconds: number;
  loop: boolean;
  moments: number;
}
interface Sources {
  wgsl: string;
  glsl: string;
  script: string;
}
/** Those that `ACTIVATIONS` in reference.js has; other networks ask for none. */
type Activation = "sin" | "cos" | "tanh" | "gaussian";

// ---- between the scripts -------------------------------------------------------------------------

/** Weights (out, in) and biases; rows of any kind. */
interface Affine {
  inputs: number;
  weight: Float32Array | Float64Array;
  bias: Float32Array | Float64Array;
}
interface Layer extends Affine {
  readout: Float32Array | null;
  functions: Activation[];
}
interface Network {
  layers: Layer[];
  bias: Float32Array;
  stops: Float32Array;
}
/** A point after symmetry; see `folded`. */
interface Folded {
  x: number;
  y: number;
  heights: number[];
  rows: number[][];
}
/** Where a picture is looked at: its centre from that of the whole canvas, and turned by radians. */
interface View {
  u: number;
  v: number;
  zoom: number;
  turn: number;
}
/** What a reference is evaluated for. */
interface Wanted {
  u: number;
  v: number;
  step: number;
  scale: number;
  z: number[];
  measured?: number[];
}
type Program = any;
/** A drawing backend: see gpu.js. */
interface Backend {
  name: string;
  language: "wgsl" | "glsl";
  software: boolean;
  lost: Promise<unknown>;
  lose?(): void;
  rows(values: Float32Array): void;
  compiled(source: string): Promise<Program>;
  draw(program: Program, width: number, height: number, place: number[]): Promise<HTMLCanvasElement>;
}
interface Gpu extends Backend {
  program(counts: number[], moving?: boolean): Promise<Program>;
}
type Draw = (x: number, y: number, w: number, h: number, q?: number) => Promise<HTMLCanvasElement>;
