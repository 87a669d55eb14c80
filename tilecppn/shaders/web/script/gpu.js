// The drawing backends, WebGPU and WebGL2. Each has:
//   software                   whether it is a processor that draws
//   rows(values)               set the shader's data
//   compiled(source)           return a promise of a program
//   draw(program, width, height, place)
//                              return a promise of a canvas with the pixels at its top left, to be
//                              copied at once; place: sixteen numbers, see fragment.py
//   lost                       a promise that resolves when the device is lost

const TEXELS = 1024;

/** @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2DSettings} [options] */
function contextOf(canvas, options) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", options));
}

/** @param {any} adapter @param {Float32Array} rows @returns {Promise<Backend>} */
async function webgpu(adapter, rows) {
  const device = await adapter.requestDevice();
  const { STORAGE, UNIFORM, COPY_DST } = GPUBufferUsage;
  const data = device.createBuffer({ size: rows.byteLength, usage: STORAGE | UNIFORM | COPY_DST });
  const view = device.createBuffer({ size: 64, usage: UNIFORM | COPY_DST });
  // Pixels are read back: software adapters cannot present to a WebGPU canvas.
  const canvas = document.createElement("canvas"), context = contextOf(canvas);
  /** @type {{ width: number, height: number, texture: any, pixels: any } | null} */
  let target = null;
  /** @param {number} width @param {number} height */
  function sized(width, height) {
    const padded = Math.ceil(width / 64) * 64;  // a row is a multiple of 256 bytes
    if (target?.width === padded && target.height === height) return target;
    target?.texture.destroy();
    target?.pixels.destroy();
    const { RENDER_ATTACHMENT, COPY_SRC } = GPUTextureUsage;
    const usage = RENDER_ATTACHMENT | COPY_SRC, size = [padded, height];
    const texture = device.createTexture({ size, format: "rgba8unorm", usage });
    const { MAP_READ } = GPUBufferUsage;
    const pixels = device.createBuffer({ size: 4 * padded * height, usage: MAP_READ | COPY_DST });
    canvas.width = padded;
    canvas.height = height;
    return (target = { width: padded, height, texture, pixels });
  }
  return {
    name: "WebGPU",
    language: "wgsl",
    software: adapter.info?.isFallbackAdapter,
    lost: device.lost,
    rows: (values) => device.queue.writeBuffer(data, 0, values),
    async compiled(code) {
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ code });
      const pipeline = await device.createRenderPipelineAsync({
        layout: "auto",
        vertex: { module, entryPoint: "corner" },
        fragment: { module, entryPoint: "pixel", targets: [{ format: "rgba8unorm" }] },
      });
      const read = { buffer: data, size: 16 * Number(code.match(/cppn_data: .* (\d+)>/)?.[1]) };
      const entries = [read, { buffer: view }].map((resource, binding) => ({ binding, resource }));
      const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
      const fault = await device.popErrorScope();
      if (fault) throw new Error(fault.message);
      return { pipeline, group };
    },
    async draw({ pipeline, group }, width, height, place) {
      const { texture, pixels, width: padded } = sized(width, height);
      device.queue.writeBuffer(view, 0, new Float32Array(place));
      const encoder = device.createCommandEncoder();
      const attachment = { view: texture.createView(), loadOp: "clear", storeOp: "store" };
      const pass = encoder.beginRenderPass({ colorAttachments: [attachment] });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.setScissorRect(0, 0, width, height);
      pass.draw(3);
      pass.end();
      const into = { buffer: pixels, bytesPerRow: 4 * padded };
      encoder.copyTextureToBuffer({ texture }, into, [padded, height]);
      device.queue.submit([encoder.finish()]);
      await pixels.mapAsync(GPUMapMode.READ);
      const bytes = new Uint8ClampedArray(pixels.getMappedRange()).slice();
      pixels.unmap();
      context.putImageData(new ImageData(bytes, padded, height), 0, 0);
      return canvas;
    },
  };
}

const CORNERS = `#version 300 es
void main() {
  gl_Position = vec4(float(gl_VertexID & 1) * 4.0 - 1.0, float(gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0);
}`;

/** @param {Float32Array} rows @returns {Promise<Backend | null>} */
async function webgl2(rows) {
  const canvas = document.createElement("canvas");
  /** @type {WebGLContextAttributes} */
  const options = {
    antialias: false, preserveDrawingBuffer: true, powerPreference: "high-performance",
  };
  const gl = canvas.getContext("webgl2", options);
  if (!gl) return null;
  gl.disable(gl.DITHER);
  const lines = Math.ceil(rows.length / 4 / TEXELS), padded = new Float32Array(4 * TEXELS * lines);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, TEXELS, lines);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  const lost = new Promise((kept) =>
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      kept(event);
    }),
  );
  // Asking a browser that tells without the extension would warn on its console.
  let renderer = gl.getParameter(gl.RENDERER);
  if (renderer.startsWith("WebKit"))
    renderer = gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
  return {
    name: "WebGL2",
    language: "glsl",
    software: /swiftshader|llvmpipe|software|basic render/i.test(renderer),
    lost,
    lose: () => gl.getExtension("WEBGL_lose_context")?.loseContext(),
    rows(values) {
      padded.set(values);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, TEXELS, lines, gl.RGBA, gl.FLOAT, padded);
    },
    async compiled(source) {
      const program = gl.createProgram();
      for (const kind of [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER]) {
        const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
        gl.shaderSource(shader, kind === gl.VERTEX_SHADER ? CORNERS : source);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
      }
      gl.linkProgram(program);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
        const logs = gl.getAttachedShaders(program)?.map((shader) => gl.getShaderInfoLog(shader));
        throw new Error([gl.getProgramInfoLog(program), ...(logs ?? [])].join("\n"));
      }
      const [view, heightOf] = ["cppn_view", "cppn_height"].map((name) => gl.getUniformLocation(program, name));
      return { program, view, heightOf };
    },
    async draw({ program, view, heightOf }, width, height, place) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
      gl.viewport(0, 0, width, height);
      gl.useProgram(program);
      gl.uniform4fv(view, place);
      gl.uniform1f(heightOf, height);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      const fence = /** @type {WebGLSync} */ (gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0));
      gl.flush();
      const pending = () => gl.clientWaitSync(fence, 0, 0) === gl.TIMEOUT_EXPIRED;
      while (pending()) await new Promise((next) => setTimeout(next, 2));
      gl.deleteSync(fence);
      return canvas;
    },
  };
}

// Returns `wanted`, or the first backend that works here; null if none does. In software WebGL2 is faster.
/** @param {Omit<Sources, "script">} sources @param {Reference} reference @param {string?} wanted @returns {Promise<Gpu | null>} */
async function drawer(sources, reference, wanted) {
  const request = wanted !== "WebGL2" && navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  const adapter = await request;
  const slow = adapter?.info?.isFallbackAdapter, names = slow ? ["WebGL2", "WebGPU"] : ["WebGPU", "WebGL2"];
  for (const name of wanted ? [wanted] : names) {
    try {
      /** @type {Backend | null} */
      const made = await (name === "WebGL2" ? webgl2(reference.rows) : adapter && webgpu(adapter, reference.rows));
      if (!made) continue;
      const gpu = { ...made, program: programsOf(made, sources[made.language], reference) };
      if (await draws(gpu, reference.rows)) return gpu;
    } catch (error) {
      failures.push(`${name}: ${/** @type {Error} */ (error).message}`);
    }
  }
  return null;
}

// Returns a function from the counts of a view, its layers first, to a promise of its program. Software draws
// its own text several times as fast as loops and even compiles it faster; others have one for all views.
// While it is `moving`, no further view gets its own.
/** @param {Backend} gpu @param {string} source @param {Reference} reference @returns {Gpu["program"]} */
function programsOf(gpu, source, reference) {
  /** @type {Record<string, Promise<Program>>} */
  const made = {}, most = reference.config.rows.unrolled;
  return (counts, moving) => {
    const own = counts.slice(0, 3), name = String(own);
    const unrolled = gpu.software && own[0] <= most && (!moving || Boolean(made[name]));
    const key = unrolled ? name : "";
    return (made[key] ??= gpu.compiled(written(source, reference, unrolled && own)));
  };
}

// Checks that a drawn pixel arrives on another canvas: all have an alpha of 1.
/** @param {Gpu} gpu @param {Float32Array} rows */
async function draws(gpu, rows) {
  const scratch = contextOf(document.createElement("canvas"));
  const counts = [1, ...Array(7).fill(0)], program = await gpu.program(counts);
  gpu.rows(rows);
  scratch.drawImage(await gpu.draw(program, 1, 1, [0, 0, 1, 0, 0, 0, 0, 0, ...counts]), 0, 0);
  if (scratch.getImageData(0, 0, 1, 1).data[3] === 255) return true;
  failures.push(`${gpu.name}: draws nothing`);
  return false;
}
/** @type {string[]} */
const failures = [];
