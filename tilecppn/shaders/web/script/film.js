// A film: latent and view over time, from equally spaced moments; see motion.py.

class Film {
  /** @param {Picture} picture @param {FilmConfig} config @param {Float32Array} numbers */
  constructor(picture, config, numbers) {
    this.picture = picture;
    this.config = config;
    this.numbers = numbers;
    this.time = 0;  // from 0 to 1
    this.last = 0;
    $("scrub").hidden = false;
    $("scrub").addEventListener("input", () => {
      this.time = Number($("scrub").value);
      this.show();
      picture.change();
    });
    this.show();
  }

  toggle() {
    const { picture } = this;
    picture.walking = !picture.walking;
    if (picture.walking && this.time >= 1) this.time = 0;
    this.last = performance.now();
    picture.change();
    return picture.walking;
  }

  step() {
    const { seconds, loop } = this.config, now = performance.now();
    this.time += (now - this.last) / (1000 * seconds);
    this.last = now;
    if (loop) this.time %= 1;
    else if (this.time >= 1) {
      this.time = 1;
      $("walk").click();
    }
    this.show();
    $("scrub").value = this.time;
  }

  show() {
    const { picture, numbers, config: { moments } } = this, { config } = picture;
    const place = this.time * (moments - 1), i = Math.min(Math.floor(place), moments - 2);
    /** @param {number} column */
    const pair = (column) => [0, 1].map((k) => numbers[column * moments + i + k]);
    /** @type {(pair: number[]) => number} */
    const mixed = ([a, b]) => a + (place - i) * (b - a);
    /** @param {number} column */
    const whole = (column) => {
      const near = pair(column), rest = pair(column + 2);
      return mixed([near[0] + rest[0], near[1] + rest[1]]);
    };
    const [from, to] = pair(5), zoom = 2 ** mixed(pair(4));
    const turn = (Math.PI / 180) * mixed([from, to - 360 * Math.round((to - from) / 360)]);
    const { u, v } = picture.middle(zoom, turn);
    picture.view = { u: whole(0) + u, v: whole(1) + v, zoom, turn };
    picture.z = config.z.map((_, k) => mixed(pair(6 + k)));
  }
}
