"""Writes ../fixtures/solvers.json: results of published solvers on a Gaussian's own denoiser.

Needs torch, k-diffusion 0.1.1 (MIT) with torchsde 0.2.6, and uni_pc.py of github.com/wl-zhao/UniPC beside it
on PYTHONPATH. Made with torch 1.13. D(x, s) = mu + v/(v + s^2) (x - mu), v = 0.25, mu = randn of seed 99;
the start is randn of seed 42 times the first level. UniPC and the adaptive solver run in doubles.
"""
import contextlib
import io
import json
import pathlib
import warnings

import torch
import uni_pc
from k_diffusion import sampling

warnings.simplefilter("ignore")
COUNT = 48
V = 0.25


def randn(seed):
    return torch.randn([1, 1, 1, COUNT], generator=torch.Generator().manual_seed(seed))


MU = randn(99)


def denoise(x, sigma):
    return MU.to(x.dtype) + V / (V + sigma.reshape(-1, 1, 1, 1) ** 2) * (x - MU.to(x.dtype))


def run_unipc(sigmas, variant):
    """With t = sigma: alpha = 1/sqrt(1 + sigma^2), the last 0 replaced by 0.001 as ComfyUI does."""

    class Schedule:
        def marginal_log_mean_coeff(self, t):
            return -0.5 * torch.log1p(t.reshape(-1) ** 2)

        def marginal_std(self, t):
            return t.reshape(-1) / torch.sqrt(1 + t.reshape(-1) ** 2)

        def marginal_lambda(self, t):
            return -torch.log(t.reshape(-1))

        T, total_N = 1.0, 1000

    levels = sigmas.double().clone()
    levels[-1] = 0.001
    solver = uni_pc.UniPC(None, Schedule(), variant=variant)
    solver.model_fn = lambda y, t: denoise(y * torch.sqrt(1 + t**2), t)
    solver.get_time_steps = lambda **_: levels
    start = randn(42).double() * sigmas[0].double()
    torch.set_default_dtype(torch.float64)
    with contextlib.redirect_stdout(io.StringIO()):
        steps = len(levels) - 1
        y = solver.sample(start / torch.sqrt(1 + levels[0] ** 2), steps=steps, t_start=1.0, t_end=0.1, order=min(3, steps - 1))
    torch.set_default_dtype(torch.float32)
    return y * torch.sqrt(1 + levels[-1] ** 2)


def brownian(x, sigmas, seed):
    return sampling.BrownianTreeNoiseSampler(x, sigmas[sigmas > 0].min(), sigmas.max(), seed=seed)


rows = []


def add(sampler, steps, sigmas, result, seed=0):
    rows.append({
        "sampler": sampler, "steps": steps, "seed": str(seed),
        "sigmas": sigmas.tolist(), "result": result.flatten().tolist(),
    })


for steps in (4, 5, 6, 7, 20):
    sigmas = sampling.get_sigmas_karras(steps, 0.03, 14.6)
    x = randn(42) * sigmas[0]
    add("uni_pc", steps, sigmas, run_unipc(sigmas, "bh1"))
    add("uni_pc_bh2", steps, sigmas, run_unipc(sigmas, "bh2"))
    add("dpm_fast", steps, sigmas, sampling.sample_dpm_fast(denoise, x, sigmas[-2], sigmas[0], steps))
add("dpm_adaptive", 20, sigmas, sampling.sample_dpm_adaptive(denoise, x.double(), sigmas[-2].double(), sigmas[0].double()))
for seed in (7, 2**63 + 5):
    for name, solver, options in (
        ("dpmpp_sde", sampling.sample_dpmpp_sde, {}),
        ("dpmpp_2m_sde", sampling.sample_dpmpp_2m_sde, {}),
        ("dpmpp_2m_sde_heun", sampling.sample_dpmpp_2m_sde, {"solver_type": "heun"}),
        ("dpmpp_3m_sde", sampling.sample_dpmpp_3m_sde, {}),
    ):
        add(name, 20, sigmas, solver(denoise, x, sigmas, noise_sampler=brownian(x, sigmas, seed), **options), seed)

schedules = {
    "vp": sampling.get_sigmas_vp(9, eps_s=1e-2).tolist(),
    "polyexponential": sampling.get_sigmas_polyexponential(9, 0.03, 14.6, rho=0.7).tolist(),
}
path = pathlib.Path(__file__).parent.parent / "fixtures" / "solvers.json"
path.write_text(json.dumps({"solvers": rows, "schedules": schedules}) + "\n")
