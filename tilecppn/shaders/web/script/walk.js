// A continuous walk through the latents, from one random latent to the next.

const LEG = 5000;  // milliseconds from one latent to the next

/** @param {Config} config */
function randomLatent({ latent, z }) {
  return z.map(() => {
    if (latent.kind === "uniform") return latent.a + (latent.b - latent.a) * Math.random();
    const size = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return latent.a + latent.b * size * Math.cos(2 * Math.PI * Math.random());
  });
}

// Catmull-Rom spline through four latents, between the second and the third.
/** @param {number[][]} p @param {number} t */
function between(p, t) {
  return p[0].map((_, i) => {
    const [a, b, c, d] = p.map((z) => z[i]);
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  });
}

class Walk {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    this.time = this.last = 0;
    /** @type {number[][]} */
    this.path = [];
  }

  toggle() {
    const { picture } = this;
    picture.walking = !picture.walking;
    if (picture.walking) {
      const fresh = () => randomLatent(picture.config);
      this.path = [picture.z, picture.z, fresh(), fresh()];
      this.last = performance.now();
      this.time = 0;
    }
    picture.change();
    return picture.walking;
  }

  step() {
    const now = performance.now();
    this.time += Math.min(now - this.last, 100) / LEG;
    this.last = now;
    while (this.time >= 1) {
      this.time -= 1;
      this.path = [...this.path.slice(1), randomLatent(this.picture.config)];
    }
    this.picture.z = between(this.path, this.time);
  }
}
