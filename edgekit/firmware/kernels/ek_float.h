/* float32 kernels: plain loops for models that are not quantized. Layouts as in the int8 kernels; filters in
 * TFLite's own order, [out_ch][k_h][k_w][in_ch] and [k_h][k_w][out_ch] for depthwise. No libm. */
#ifndef EDGEKIT_KERNELS_FLOAT_H
#define EDGEKIT_KERNELS_FLOAT_H

#include <stdint.h>

#include "ek_kernel.h"

static inline float ek_clamp_f32(float x, float low, float high) {
  return x < low ? low : x > high ? high : x;
}

/* exp(x) to about 1 ulp: 2^n times a polynomial on [-ln2/2, ln2/2] (Cephes expf) */
EK_KERNEL float ek_exp_f32(float x) {
  if (x < -87.0f) return 0.0f;
  if (x > 88.0f) x = 88.0f;
  const float scaled = x * 1.44269504f;
  const int32_t n = (int32_t)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
  const float r = x - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float power;
  __builtin_memcpy(&power, &bits, 4);
  return p * power;
}

struct ek_conv_f32 {
  int16_t in_h, in_w, in_ch, out_h, out_w, out_ch;
  int16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  const float *weights, *bias;
  float low, high;
};

EK_KERNEL void ek_conv_f32(const struct ek_conv_f32 *c, const float *in, float *out) {
  for (int32_t oy = 0; oy < c->out_h; oy++)
    for (int32_t ox = 0; ox < c->out_w; ox++) {
      const float *w = c->weights;
      for (int32_t oc = 0; oc < c->out_ch; oc++) {
        float acc = 0.0f;
        for (int32_t ky = 0; ky < c->k_h; ky++)
          for (int32_t kx = 0; kx < c->k_w; kx++, w += c->in_ch) {
            const int32_t y = oy * c->stride_h - c->pad_h + ky * c->dilation_h;
            const int32_t x = ox * c->stride_w - c->pad_w + kx * c->dilation_w;
            if (y < 0 || y >= c->in_h || x < 0 || x >= c->in_w) continue;
            const float *p = in + (y * c->in_w + x) * c->in_ch;
            for (int32_t i = 0; i < c->in_ch; i++) acc += p[i] * w[i];
          }
        *out++ = ek_clamp_f32(acc + c->bias[oc], c->low, c->high);
      }
    }
}

struct ek_depthwise_f32 {
  int16_t in_h, in_w, in_ch, out_h, out_w, multiplier;
  int16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  const float *weights, *bias;
  float low, high;
};

EK_KERNEL void ek_depthwise_f32(const struct ek_depthwise_f32 *c, const float *in, float *out) {
  const int32_t channels = (int32_t)c->in_ch * c->multiplier;
  for (int32_t oy = 0; oy < c->out_h; oy++)
    for (int32_t ox = 0; ox < c->out_w; ox++)
      for (int32_t oc = 0; oc < channels; oc++) {
        float acc = 0.0f;
        for (int32_t ky = 0; ky < c->k_h; ky++)
          for (int32_t kx = 0; kx < c->k_w; kx++) {
            const int32_t y = oy * c->stride_h - c->pad_h + ky * c->dilation_h;
            const int32_t x = ox * c->stride_w - c->pad_w + kx * c->dilation_w;
            if (y < 0 || y >= c->in_h || x < 0 || x >= c->in_w) continue;
            acc += in[(y * c->in_w + x) * c->in_ch + oc / c->multiplier] *
                   c->weights[(ky * c->k_w + kx) * channels + oc];
          }
        *out++ = ek_clamp_f32(acc + c->bias[oc], c->low, c->high);
      }
}

struct ek_fully_connected_f32 {
  int32_t rows, in_size, out_size;
  const float *weights, *bias;
  float low, high;
};

EK_KERNEL void ek_fully_connected_f32(const struct ek_fully_connected_f32 *c, const float *in, float *out) {
  for (int32_t row = 0; row < c->rows; row++, in += c->in_size) {
    const float *w = c->weights;
    for (int32_t o = 0; o < c->out_size; o++, w += c->in_size) {
      float acc = 0.0f;
      for (int32_t i = 0; i < c->in_size; i++) acc += in[i] * w[i];
      *out++ = ek_clamp_f32(acc + c->bias[o], c->low, c->high);
    }
  }
}

struct ek_elementwise_f32 {
  int32_t shape[4], step_a[4], step_b[4];
  float low, high;
};

static inline void ek_elementwise_f32(const struct ek_elementwise_f32 *c, int op, const float *a,
                                      const float *b, float *out) {
  for (int32_t i = 0; i < c->shape[0]; i++)
    for (int32_t j = 0; j < c->shape[1]; j++)
      for (int32_t k = 0; k < c->shape[2]; k++)
        for (int32_t l = 0; l < c->shape[3]; l++) {
          const float x = a[i * c->step_a[0] + j * c->step_a[1] + k * c->step_a[2] + l * c->step_a[3]];
          const float y = b[i * c->step_b[0] + j * c->step_b[1] + k * c->step_b[2] + l * c->step_b[3]];
          *out++ = ek_clamp_f32(op == '+' ? x + y : op == '-' ? x - y : x * y, c->low, c->high);
        }
}

EK_KERNEL void ek_add_f32(const struct ek_elementwise_f32 *c, const float *a, const float *b, float *out) {
  ek_elementwise_f32(c, '+', a, b, out);
}

EK_KERNEL void ek_sub_f32(const struct ek_elementwise_f32 *c, const float *a, const float *b, float *out) {
  ek_elementwise_f32(c, '-', a, b, out);
}

EK_KERNEL void ek_mul_f32(const struct ek_elementwise_f32 *c, const float *a, const float *b, float *out) {
  ek_elementwise_f32(c, '*', a, b, out);
}

struct ek_pool_f32 {
  int16_t in_h, in_w, channels, out_h, out_w, k_h, k_w, stride_h, stride_w, pad_h, pad_w;
  float low, high;
};

static inline void ek_pool_f32(const struct ek_pool_f32 *c, int average, const float *in, float *out) {
  for (int32_t oy = 0; oy < c->out_h; oy++)
    for (int32_t ox = 0; ox < c->out_w; ox++)
      for (int32_t ch = 0; ch < c->channels; ch++) {
        float acc = average ? 0.0f : -3.4028234e38f;
        int32_t taps = 0;
        for (int32_t ky = 0; ky < c->k_h; ky++)
          for (int32_t kx = 0; kx < c->k_w; kx++) {
            const int32_t y = oy * c->stride_h - c->pad_h + ky, x = ox * c->stride_w - c->pad_w + kx;
            if (y < 0 || y >= c->in_h || x < 0 || x >= c->in_w) continue;
            const float v = in[(y * c->in_w + x) * c->channels + ch];
            acc = average ? acc + v : v > acc ? v : acc;
            taps++;
          }
        *out++ = ek_clamp_f32(average ? acc / (float)taps : acc, c->low, c->high);
      }
}

EK_KERNEL void ek_average_pool_f32(const struct ek_pool_f32 *c, const float *in, float *out) {
  ek_pool_f32(c, 1, in, out);
}

EK_KERNEL void ek_max_pool_f32(const struct ek_pool_f32 *c, const float *in, float *out) {
  ek_pool_f32(c, 0, in, out);
}

/* in: [outer][rows][middle][reduced][inner], out: [outer][middle][inner] */
EK_KERNEL void ek_mean_f32(const float *in, float *out, int32_t outer, int32_t rows, int32_t middle,
                           int32_t reduced, int32_t inner) {
  const int32_t block = reduced * inner, row = middle * block;
  for (int32_t i = 0; i < outer; i++, in += rows * row)
    for (int32_t m = 0; m < middle; m++)
      for (int32_t j = 0; j < inner; j++) {
        float sum = 0.0f;
        for (int32_t r = 0; r < rows; r++)
          for (int32_t k = 0; k < reduced; k++) sum += in[r * row + m * block + k * inner + j];
        *out++ = sum / (float)(rows * reduced);
      }
}

EK_KERNEL void ek_softmax_f32(const float *in, float *out, int32_t rows, int32_t depth, float beta) {
  for (; rows > 0; rows--, in += depth, out += depth) {
    float top = in[0], sum = 0.0f;
    for (int32_t i = 1; i < depth; i++) top = in[i] > top ? in[i] : top;
    for (int32_t i = 0; i < depth; i++) sum += out[i] = ek_exp_f32(beta * (in[i] - top));
    for (int32_t i = 0; i < depth; i++) out[i] /= sum;
  }
}

EK_KERNEL void ek_logistic_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    const float e = ek_exp_f32(in[i] < 0.0f ? in[i] : -in[i]);
    out[i] = (in[i] < 0.0f ? e : 1.0f) / (1.0f + e);
  }
}

EK_KERNEL void ek_tanh_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    const float x = in[i], a = x < 0.0f ? -x : x;
    if (a < 0.02f) { /* the quotient below would cancel */
      out[i] = x - x * x * x / 3.0f;
    } else {
      const float e = ek_exp_f32(-2.0f * a), t = (1.0f - e) / (1.0f + e);
      out[i] = x < 0.0f ? -t : t;
    }
  }
}

EK_KERNEL void ek_relu_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i] < 0.0f ? 0.0f : in[i];
}

EK_KERNEL void ek_relu6_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = ek_clamp_f32(in[i], 0.0f, 6.0f);
}

EK_KERNEL void ek_leaky_relu_f32(const float *in, float *out, int32_t count, float slope) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i] < 0.0f ? slope * in[i] : in[i];
}

EK_KERNEL void ek_hard_swish_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i] * ek_clamp_f32(in[i] + 3.0f, 0.0f, 6.0f) / 6.0f;
}

#endif
