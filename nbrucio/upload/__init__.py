"""Send local files to an RSE, by rucio-clients' UploadClient in a process of its own."""

from nbrucio.upload.files import LocalFile, collect
from nbrucio.upload.lifetime import parse_lifetime
from nbrucio.upload.run import FileResult, Target, UploadReport, upload

__all__ = ["FileResult", "LocalFile", "Target", "UploadReport", "collect", "parse_lifetime", "upload"]
