// The types of the pages' scripts, only for their check: what `page.py` gives them, and what they use of
// OpenSeadragon (https://openseadragon.github.io/docs/).

// ---- the page's data: page.py --------------------------------------------------------------------

/** x and y. */
type Point = number[];

interface ScaledGrid extends Grid {
  scale: number;
}
/** `source_page.grid_facts` */
interface View extends ScaledGrid {
  rotation: number;
  keep: Record<string, string | boolean>;
}
/** A Deep Zoom pyramid. */
interface Source {
  width: number;
  height: number;
  tileSize: number;
  tileOverlap: number;
  tilesUrl: string;
  fileFormat: string;
  minLevel: number;
  maxLevel: number;
  queryParams?: string;
}
type Pixels = Uint8Array | Uint16Array | Float32Array;
/** `page.StoredTiles` */
interface Store {
  url: string;
  dtype: "uint8" | "uint16" | "float32";
  channels: number;
  levels: { width: number; height: number; path: string; tiles: number }[];
}
/** OpenSeadragon's options for tiles in another layout. */
interface FolderSource extends Record<string, unknown> {
  id?: string;
  template?: string;
}
interface PageData {
  source: Source;
  files: string;
  scene: string;
  /** Absent where no view of the scene shows a part of the picture, which scripts check. */
  view: View;
  viewer?: FolderSource;
  served?: boolean;
  // Those below are there where their scripts are; `page.Served` says what they are.
  store: Store;
  status: string;
  views: number;
  shader: string;
  frames: { count: number; fps: number };
}

/** A pyramid on the plane, and the point at which its fineness was measured. */
interface Pyramid {
  width: number;
  height: number;
  grid: ScaledGrid;
  source: Source;
  measured?: Measured | null;
}
interface Measured {
  center: Point;
  step: number;
}
interface Place {
  center: Point;
  scale: number;
}

// ---- the page ------------------------------------------------------------------------------------

interface Elements {
  keys: HTMLDialogElement;
  frame: HTMLInputElement;
  scale: HTMLElement & { firstElementChild: Element };
}
interface Window {
  viewer: OpenSeadragon.Viewer;
  pictureOf(parts: unknown, canvas: HTMLCanvasElement, wanted: string): Promise<LivePicture | null>;
}
interface Navigator {
  connection?: { saveData: boolean };
}
/** Of `Picture` in shaders/web/script/picture.js. */
interface LivePicture {
  canvas: HTMLCanvasElement;
  config: { scale: number; zoom: number; drawn: number[]; grid: Grid };
  gpu: { lost: Promise<unknown> };
  quality: number;
  running: Promise<void>;
  view: object;
  coarse(): Promise<void>;
  steps(width: number, height: number, zoom: number): Point;
}
declare const fzstd: { decompress(packed: Uint8Array): Uint8Array<ArrayBuffer> };

// ---- OpenSeadragon -------------------------------------------------------------------------------

declare function OpenSeadragon(options: Record<string, unknown>): OpenSeadragon.Viewer;
declare namespace OpenSeadragon {
  let console: Console;
  const pixelDensityRatio: number;
  function positiveModulo(number: number, modulus: number): number;
  function setImageFormatsSupported(formats: Record<string, boolean>): void;

  class Point {
    constructor(x: number, y: number);
    x: number;
    y: number;
  }
  class TileSource {
    constructor(options: object);
    maxLevel: number;
    tilesUrl: string;
    getTileUrl(level: number, x: number, y: number): string;
    getTileHashKey(level: number, x: number, y: number): string;
    hasTransparency(): boolean;
    downloadTileStart(job: Job): void;
    downloadTileAbort(job: Job): void;
  }
  class DziTileSource extends TileSource {}
  interface Job {
    src: string;
    userData: { abort: AbortController };
    finish(data: unknown, request: null, type: string): void;
    fail(message: string, request: null): void;
  }

  interface Events {
    "add-item": { item: TiledImage };
    "tile-drawing": { context: CanvasRenderingContext2D; tile: Tile; tiledImage: TiledImage };
    "canvas-scroll": { preventDefault: boolean; preventDefaultAction: boolean };
  }
  interface EventSource {
    addHandler<K extends string>(name: K, handler: Handler<K>): void;
    addOnceHandler<K extends string>(name: K, handler: Handler<K>): void;
    removeHandler<K extends string>(name: K, handler: Handler<K>): void;
  }
  type Handler<K extends string> = (event: K extends keyof Events ? Events[K] : unknown) => void;

  interface Tile {
    level: number;
    position: Point;
    size: Point;
  }
  interface TiledImage extends EventSource {
    alwaysBlend: boolean;
    minPixelRatio: number;
    source: TileSource;
    getFullyLoaded(): boolean;
    imageToViewportZoom(zoom: number): number;
    viewportToImageZoom(zoom: number): number;
    viewportToImageCoordinates(point: Point): Point;
    setOpacity(opacity: number): void;
    setPosition(position: Point, immediately: boolean): void;
    setWidth(width: number, immediately: boolean): void;
  }
  interface World extends EventSource {
    getItemAt(index: number): TiledImage;
    getItemCount(): number;
    removeItem(item: TiledImage): void;
  }
  interface Rect {
    x: number;
    y: number;
    width: number;
    height: number;
  }
  interface Viewport {
    minZoomLevel: number;
    visibilityRatio: number;
    zoomSpring: { animationTime: number; springStiffness: number };
    applyConstraints(immediately?: boolean): void;
    getBounds(current?: boolean): Rect;
    getCenter(current?: boolean): Point;
    getFlip(): boolean;
    getHomeBounds(): Rect;
    getHomeZoom(): number;
    getRotation(current?: boolean): number;
    getZoom(current?: boolean): number;
    goHome(immediately?: boolean): void;
    panTo(center: Point, immediately?: boolean): void;
    pixelFromPoint(point: Point, current?: boolean): Point;
    setMargins(margins: { left: number; right: number; top: number; bottom: number }): void;
    setRotation(degrees: number, immediately?: boolean): void;
    toggleFlip(): void;
    zoomBy(factor: number): void;
    zoomTo(zoom: number, point?: Point | null, immediately?: boolean): void;
  }
  interface Viewer extends EventSource {
    canvas: HTMLElement;
    container: HTMLElement;
    drawer: { canvas: HTMLCanvasElement };
    navigator: EventSource & { updateSize(): void; update(viewport: Viewport): void };
    viewport: Viewport;
    world: World;
    addTiledImage(options: {
      tileSource: TileSource;
      index?: number;
      preload?: boolean;
      x?: number;
      y?: number;
      width?: number;
      success?: (event: { item: TiledImage }) => void;
      error?: (event: unknown) => void;
    }): void;
    open(source: object): void;
  }
}
