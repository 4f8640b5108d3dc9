#!/usr/bin/env bash
# Build a wheel of LightGBM with its CUDA backend, which no wheel on PyPI has.
#
#   scripts/build_lightgbm_cuda.sh FOLDER [ARCHITECTURES]
#
# FOLDER gets the wheel. ARCHITECTURES is a CMake list, 90-real (H100, H200) by default; 75-real is
# a T4 or RTX 20, 80-real an A100, A10, L4, RTX 30 or 40, 100-real a B200, 120-real an RTX 50. Run
# it inside a virtual environment. It needs a C++ compiler and CUDA's (CUDACXX, by default
# /usr/local/cuda/bin/nvcc), 11.8 or newer and 12.8 for 100-real and 120-real, but no card.
set -euo pipefail

release=4.7.0
folder=${1:?the folder for the wheel is missing}
folder=$(mkdir -p "$folder" && cd "$folder" && pwd)
architectures=${2:-90-real}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pip install -q "cmake>=3.28" ninja "scikit-build-core>=0.11" nvidia-nccl-cu13

# CMake looks for NCCL as a folder with include/ and lib/libnccl.so.
nccl=$(python -c "import nvidia.nccl; print(list(nvidia.nccl.__path__)[0])")
mkdir -p "$work/nccl/lib"
ln -s "$nccl/include" "$work/nccl/include"
for name in libnccl.so libnccl.so.2; do
    ln -s "$nccl/lib/libnccl.so.2" "$work/nccl/lib/$name"
done
export NCCL_ROOT=$work/nccl
export CPATH=$work/nccl/include # one target of this release does not get NCCL's headers
export CUDACXX=${CUDACXX:-/usr/local/cuda/bin/nvcc}
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}

pip download -q --no-deps --no-binary lightgbm --no-build-isolation -d "$work" "lightgbm==$release"
tar -C "$work" -xf "$work/lightgbm-$release.tar.gz"
pip wheel --no-deps --no-build-isolation -w "$folder" "$work/lightgbm-$release" \
    --config-settings=cmake.define.USE_CUDA=ON \
    --config-settings=cmake.define.BUILD_CLI=OFF \
    --config-settings=cmake.define.BUILD_WITH_SHARED_NCCL=ON \
    --config-settings=cmake.define.CMAKE_CUDA_ARCHITECTURES="$architectures"
