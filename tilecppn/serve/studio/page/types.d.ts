// The types of the studio's page, only for their check. The data is as modules of the server make it.

/** x and y: of a pixel, a place on the screen in device pixels, or a point of the plane. */
type Point = [number, number];
type Interval = [from: number, to: number];
/** Intervals of x and y. */
type Bounds = [Interval, Interval];
/** In pixels of the whole canvas. */
type Rectangle = [left: number, top: number, width: number, height: number];

// ---- scenes: record.py, scenes.py ----------------------------------------------------------------

interface SeededAmount {
  seed: number;
  amount: number;
}
/** A value of a scene's key (`scenes.plain`). */
type Value = null | boolean | number | string | SeededAmount | (number | string | SeededAmount)[];
type Keys = Record<string, Value>;
/** Section → key → value; null removes a key. */
type Changes = Record<string, Keys>;

/** All values of a scene (`scenes.values_of`); named are those that the page itself reads. */
interface Values extends Changes {
  cppn: Keys & {
    preset: string;
    seed: number;
    mutations: SeededAmount[] | null;
    cross: SeededAmount | null;
  };
  canvas: Keys & { print: string | null };
  view: Keys & {
    center: Point;
    scale: number;
    rotation: number;
    aspect: string;
    grid: string;
  };
}

/** The distribution of a latent's values: mean and deviation, or least and most. */
type Spread = [kind: "normal" | "uniform", a: number, b: number];

/** `record.record` */
interface Scene {
  id: string;
  toml: string;
  values: Values;
  z: number[];
  network: {
    layers: string[];
    width: number;
    channels: number;
    own: boolean;
    detail: boolean;
    spread: Spread;
  };
  grid: Grid;
  levels: [finest: number, coarsest: number];
  canvas: {
    width: number;
    height: number;
    origin: [row: number, column: number];
    whole: [width: number, height: number];
  };
  palette: string[] | null;
  size: Record<string, string>;
}

// ---- the session: api.py -------------------------------------------------------------------------

/** `Api._step`; the parent of the first is "". */
interface Step {
  name: string;
  parent: string;
  label: string;
  time: number;
  id: string;
}

/** `Api.session`; the scene is null if it is lost. */
interface Session {
  scene: Scene | null;
  steps: Step[];
  at: string;
  pinned: string[];
  kept: boolean;
  folder: string;
  file: string;
}

/** `Api.vary` */
interface Variation {
  label: string;
  id: string;
}

/** `Folder.files` */
interface Openable {
  name: string;
  time: number;
}

/** `Job.record` in jobs.py */
interface Render {
  number: number;
  name: string;
  purpose: string;
  commands: string[];
  outputs: string[];
  scene: string;
  film: [id: string, frames: number] | null;
  stored: boolean;
  state: "waiting" | "running" | "stopping" | "done" | "failed" | "stopped";
  error: string;
  done: number;
  tasks: number;
}

// ---- controls: schema.py -------------------------------------------------------------------------

/** A key; what is allowed is as in `scene/validation.py`. */
interface KeySchema {
  default: Value;
  help: string;
  allowed: string;
  type?: string;
  enum?: (string | number | boolean)[];
  format?: string;
  items?: { type?: string; enum?: string[] };
  minimum?: number;
  maximum?: number;
  nullable?: boolean;
}

/** `schema.schema` */
interface Schema {
  sections: Record<string, Record<string, KeySchema>>;
  presets: Record<string, string>;
  activations: Record<string, string>;
  palettes: Record<string, string[]>;
  easings: Record<string, number[]>;
}

/** The control of a key; `usual` is the value of a scene that does not set it. */
interface Control {
  element: HTMLElement;
  usual: Value;
  show(value: Value, scene: Scene): void;
}

// ---- requests: Api.posts, and the routes in app.py -----------------------------------------------

/** A picture of a film, and how it goes on to the next. */
interface Knot {
  id: string;
  time: number;
  easing: string;
}

/** A form of orders.py; `knots` and what follows them make a film of pictures. */
interface Form {
  purpose: string;
  name: string;
  id?: string;
  knots?: Knot[];
  [field: string]: string | number | boolean | undefined | Knot[];
}

/** Address → the JSON of GET. */
interface Gets {
  [scene: `scenes/${string}.json`]: Scene;
  "schema.json": Schema;
  "session.json": Session;
  "files.json": { files: Openable[] };
  "renders.json": { renders: Render[] };
}

/** Address → the JSON that POST takes, and its answer. */
interface Posts {
  scenes: [
    { base: string; changes: Changes; glimpses: string[] },
    Scene & { label: string; glimpses: Record<string, string> },
  ];
  variations: [
    ({ base: string; kind: string; amount: number } | { parents: string[] })
      & { start: number; count: number },
    { variations: Variation[]; more: boolean },
  ];
  steps: [{ id: string; parent: string; label: string }, Step];
  "steps/at": [{ name: string }, { known: boolean }];
  "steps/pin": [{ name: string; on: boolean }, { known: boolean }];
  open: [{ name: string }, Scene];
  save: [{ id: string; name: string; overwrite: boolean }, { name: string }];
  [dropped: `import?name=${string}`]: [File, Scene | { colours: string[] }];
  films: [Form, { id: string; frames: number }];
  plan: [Form, { plan: string; commands: string[] }];
  renders: [Form, { number: number }];
  "renders/cancel": [{ number: number }, { renders: Render[] }];
  "renders/resume": [{ number: number }, { renders: Render[] }];
}

/** The bytes of a PNG. */
type Png = Uint8Array<ArrayBuffer> & { toBase64?(): string };

// ---- elements ------------------------------------------------------------------------------------

/** Properties of an element, and attributes: those with a dash, and "for". */
type Properties<E> = {
  [P in Exclude<keyof E, "style">]?: string extends E[P] ? E[P] | number : E[P];
} & {
  style?: string;
  for?: string;
  [attribute: `${string}-${string}`]: string | number | boolean;
};

interface DocumentEventMap {
  "palette-from": CustomEvent<File>;
}
