"""The systems that are younger than slide 14, each hanging from a leaf of its tree by ``descends_from``."""

from course_utils.models.any_order import AnyOrder
from course_utils.models.deep_energy import DeepEnergy
from course_utils.models.diffusion import Diffusion
from course_utils.models.flow_matching import FlowMatching
from course_utils.models.spline_flow import SplineFlow
from course_utils.models.vq_vae import VQVAE

YOUNGER = (FlowMatching, SplineFlow, AnyOrder, Diffusion, VQVAE, DeepEnergy)
