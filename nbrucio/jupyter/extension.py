"""The server extension: acts when a notebook is opened, saved or gets a kernel, and answers under ``/nbrucio/``."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from traitlets import Bool, Enum, Integer

from nbrucio.config.private import state_folder
from nbrucio.disk.libraries import absence, absent_libraries
from nbrucio.errors import find_programs_by
from nbrucio.jupyter import session_config
from nbrucio.jupyter.context import ServerContext
from nbrucio.jupyter.daemon_pool import DaemonPool, SharedPool
from nbrucio.jupyter.handlers import browse, instances, login, notebook, upload
from nbrucio.jupyter.kernel_notice import refuse_unasked
from nbrucio.jupyter.kernels import Kernels, moved
from nbrucio.jupyter.login_jobs import LoginJobs
from nbrucio.jupyter.open_policy import OpenPolicy, chosen_before, configured
from nbrucio.jupyter.queries import progress_as_json
from nbrucio.jupyter.save_hook import declared_event, declared_in, update_metadata
from nbrucio.jupyter.sync_job import SyncJob, SyncRequest
from nbrucio.jupyter.sync_jobs import SyncJobs
from nbrucio.jupyter.upload_job import UploadJob
from nbrucio.jupyter.upload_jobs import UploadJobs, event_of
from nbrucio.jupyter.upload_records import UploadRecords
from nbrucio.kernel.command import words_for
from nbrucio.operations.grants import user_grants
from nbrucio.pipeline.manifest_files import follow

ROUTES = {**notebook.ROUTES, **browse.ROUTES, **upload.ROUTES, **login.ROUTES, **instances.ROUTES}


EVENTS = Path(__file__).parent / "events.yaml"
EVENT_ID = "urn:nbrucio:sync-event-1"
DECLARED_EVENTS = Path(__file__).parent / "events-declared.yaml"
UPLOAD_EVENTS = Path(__file__).parent / "events-upload.yaml"
UPLOAD_EVENT_ID = "urn:nbrucio:upload-event-1"
DECLARED_ID = "urn:nbrucio:declared-event-1"
CONTENTS_EVENT_ID = "https://events.jupyter.org/jupyter_server/contents_service/v1"
PROVISIONER = "nbrucio-provisioner"


class NbrucioApp(ExtensionApp):
    """Downloads the data that notebooks declare."""

    name = "nbrucio"
    load_other_extensions = True

    on_open = Enum(
        ("off", "read", "look", "fetch"),
        default_value="fetch",
        help="Actions when a notebook opens: off: nothing; read: publish ready data to kernels; look: also ask Rucio "
        "and use mounted files; fetch: also download data that its user fetched or added before.",
    ).tag(config=True)
    open_budget_bytes = Integer(2_000_000_000, min=0, help="Download limit when a notebook opens, in bytes.").tag(
        config=True
    )
    update_on_save = Bool(True, help="Whether a save declares the data that the code uses.").tag(config=True)
    gate_kernels = Bool(True, help="Whether cells wait for the data that they use.").tag(config=True)

    serverapp: Any  # Jupyter says "or None", and it is set before anything here is called

    def initialize_settings(self) -> None:
        """Called by Jupyter when the extension is loaded."""
        find_programs_by(words_for)
        absent = absent_libraries()
        if absent:
            self.log.warning("nbrucio: %s", absence(absent))
        self.session_config = session_config.share(self.serverapp.config, self.log)
        self.grants = user_grants()
        # Two pools, so that an instance that hangs blocks no thread for local work.
        self.local_pool = DaemonPool(4, "nbrucio-local")
        self.remote_pool = SharedPool(32, 4, "nbrucio-remote")
        self.sync_jobs = SyncJobs(self._say_from_thread, self.log, self.grants)
        state = state_folder(os.environ)
        records = UploadRecords(state and state / "uploads", self.file_of(""), self.log)
        self.upload_jobs = UploadJobs(self._say_upload_from_thread, self.log, records)
        self.login_jobs = LoginJobs(self.log)
        self.chosen = chosen_before(os.environ, self.log)
        self.site_opening = configured(os.environ, self.log)
        self._api_paths: dict[Path, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        for schema in (EVENTS, DECLARED_EVENTS, UPLOAD_EVENTS):
            self.serverapp.event_logger.register_event_schema(schema)
        self.kernels = Kernels(self.serverapp, self.file_of, self._has_kernel, self.log)
        if self.gate_kernels:
            self._choose_provisioner()
        if not hasattr(ExtensionApp, "_start_jupyter_server_extension"):  # before jupyter_server 2.15
            self.serverapp.io_loop.add_callback(self._attach)

    def initialize_handlers(self) -> None:
        """Called by Jupyter; the base URL is added to handlers by us, since they take arguments."""
        context: ServerContext = self
        for name, handler in ROUTES.items():
            self.handlers.append((url_path_join("/nbrucio", name), handler, {"app": context, "route": name}))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:  # noqa: ANN401, ARG002 - Jupyter's signature
        self._attach()

    def _attach(self) -> None:
        # Only when all extensions are loaded: some (jupytext) replace the contents manager while they are.
        self._loop = asyncio.get_running_loop()
        manager = self.serverapp.contents_manager
        if self.update_on_save and hasattr(manager, "register_pre_save_hook"):
            manager.register_pre_save_hook(self._before_save)
        self._wrap_get(manager)
        self.serverapp.event_logger.add_listener(schema_id=CONTENTS_EVENT_ID, listener=self._contents_changed)
        # The first sync imports much, which triggers full garbage collections; in a Jupyter server one
        # takes 0.1 s and more, and no request is answered meanwhile. What is loaded by now stays loaded anyway.
        gc.freeze()

    async def stop_extension(self) -> None:
        """Called by Jupyter when the server stops. Partial files stay, and the next sync resumes them."""
        self._loop = None
        if self.session_config is not None:
            self.session_config.unlink(missing_ok=True)
        for close in (self.login_jobs.close, self.upload_jobs.close, self.sync_jobs.close):
            await asyncio.get_running_loop().run_in_executor(self.local_pool, close)
        for pool in (self.local_pool, self.remote_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    # Opening.

    def opened(self, api_path: str, path: Path, again: bool = False) -> SyncJob | None:
        """Start the sync that `opening` allows after a notebook was opened or got a kernel; None if it allows none.

        Args:
            again: sync even if it was opened a moment ago, because its declaration has changed.
        """
        may = self.opening
        if may.level == "off":
            return None
        budget = may.budget_bytes if may.level == "fetch" else 0
        return self.begin(api_path, path, SyncRequest(budget_bytes=budget, offline=may.level == "read", again=again))

    @property
    def allowed(self) -> OpenPolicy:
        """The operator's limits for opening a notebook."""
        return OpenPolicy(self.on_open, self.open_budget_bytes).narrowed(self.site_opening)

    @property
    def opening(self) -> OpenPolicy:
        """The policy in force for opening a notebook: the operator's limits, narrowed by the user's choice."""
        return self.allowed.narrowed(self.chosen)

    def begin(self, api_path: str, path: Path, request: SyncRequest) -> SyncJob:
        """Start a sync, or join the running one if it has the same permissions."""
        self._api_paths[path.resolve()] = api_path
        return self.sync_jobs.start(path, request)

    def file_of(self, api_path: str) -> Path | None:
        """Return the file at ``api_path`` of the contents API; None if the contents are not files."""
        # The manager's own method: some (SWAN's) have paths that do not lie under the root folder.
        to_os_path = getattr(self.serverapp.contents_manager, "_get_os_path", None)
        if to_os_path is None:
            return None
        try:
            return Path(to_os_path(api_path.strip("/")))
        except Exception as error:  # noqa: BLE001 - each manager raises its own when a path is outside its root
            self.log.debug("nbrucio: %r is not a file of the contents manager: %s", api_path, error)
            return None

    def _wrap_get(self, manager: Any) -> None:  # noqa: ANN401 - any contents manager
        # Only `get` with content is an opening: listings and polling cause dozens of contents events.
        get = manager.get

        @functools.wraps(get)
        def watched(path: str, content: bool = True, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            answer = get(path, content, *args, **kwargs)
            if not content:
                return answer
            if inspect.isawaitable(answer):
                return self._when_read(path, answer)
            self._was_read(path, answer)
            return answer

        manager.get = watched

    async def _when_read(self, api_path: str, answer: Any) -> Any:  # noqa: ANN401
        model = await answer
        self._was_read(api_path, model)
        return model

    def _was_read(self, api_path: str, model: Any) -> None:  # noqa: ANN401
        try:
            if model.get("type") == "notebook" and declared_in(model.get("content")):
                path = self.file_of(api_path)
                if path is not None:
                    self.opened(api_path, path)
        except Exception:  # the notebook must always open
            self.log.exception("nbrucio: opening %r failed, and started no sync", api_path)

    async def _contents_changed(self, logger: object, schema_id: str, data: Mapping[str, str]) -> None:  # noqa: ARG002 - Jupyter's signature
        if self._loop is None:  # a stopping server may save open documents after `stop_extension`
            return
        if data.get("action") == "rename":
            self._renamed(data.get("source_path", "").strip("/"), data.get("path", "").strip("/"))
        elif data.get("action") == "save":
            self.local_pool.submit(self._saved, data.get("path", "").strip("/"))

    def _saved(self, api_path: str) -> None:
        """Sync again if the declaration has changed since the last sync; called from a thread."""
        try:
            path = self.file_of(api_path)
            if path is not None and self.sync_jobs.is_outdated(path):
                self._has_kernel(api_path, path, again=True)
        except Exception:  # the next opening syncs it
            self.log.exception("nbrucio: the changes saved in %r were not synced", api_path)

    def _renamed(self, old_api: str, new_api: str) -> None:
        """Move sync, manifest and kernels of a renamed notebook, or of all notebooks in a renamed folder."""
        old, new = self.file_of(old_api), self.file_of(new_api)
        if not old_api or not new_api or old is None or new is None:
            return
        old, new = old.resolve(), new.resolve()
        below = {path: new / path.relative_to(old) for path in self._api_paths if path.is_relative_to(old)}
        for path, now in below.items():
            self._api_paths[now] = moved(self._api_paths.pop(path), old_api, new_api)
        names = {old: new, **below}
        self.sync_jobs.moved(names)
        self.local_pool.submit(self._follow, names, old_api, new_api)

    def _follow(self, files: Mapping[Path, Path], old_api: str, new_api: str) -> None:
        for old, new in files.items():
            try:
                follow(old, new)
            except OSError as error:
                self.log.warning("nbrucio: the kernels of %s could not follow its new name: %s", new, error)
        self.kernels.moved(old_api, new_api)

    # Kernels.

    def _has_kernel(self, api_path: str, path: Path, *, again: bool = False) -> None:
        """Publish the data of the notebook at ``path`` to its kernels; called from a thread.

        Args:
            again: publish again, because its declaration has changed.
        """
        if self.opening.level == "off":
            refuse_unasked(path, self.log, again=again)
        else:
            self.opened(api_path, path, again=again)

    def _choose_provisioner(self) -> None:
        from jupyter_client.provisioning.factory import KernelProvisionerFactory

        factory = KernelProvisionerFactory.instance(parent=self.serverapp)
        # A chosen provisioner stays, and so does the one that a kernel spec names.
        if factory.default_provisioner_name == "local-provisioner" and PROVISIONER in factory.get_provisioner_entries():
            factory.default_provisioner_name = PROVISIONER

    # Saving.

    def _before_save(self, model: Any, path: str = "", **_: Any) -> None:  # noqa: ANN401 - Jupyter's signature
        try:
            if model.get("type") == "notebook" and isinstance(model.get("content"), dict):
                file = self.file_of(path)
                if update_metadata(model["content"], self.sync_jobs.resolved(file) if file else {}):
                    # The browser's document lacks what was added; the event adds it.
                    event = {"path": path.strip("/"), **declared_event(model["content"]["metadata"])}
                    self.serverapp.event_logger.emit(schema_id=DECLARED_ID, data=event)
        except Exception:  # a save must always succeed
            self.log.exception("nbrucio: the metadata of %r was saved unchanged", path)

    # Progress.

    def _say_from_thread(self, job: SyncJob) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            path = self._api_paths.get(job.path, os.fspath(job.path))
            loop.call_soon_threadsafe(self._say, {"path": path, **progress_as_json(job)})

    def _say(self, event: dict[str, object]) -> None:
        try:
            self.serverapp.event_logger.emit(schema_id=EVENT_ID, data=event)
        except Exception:  # the sync continues even if its event cannot be sent
            self.log.exception("nbrucio: the progress of %r was not sent", event["path"])

    def _say_upload_from_thread(self, job: UploadJob) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._say_upload, job)

    def _say_upload(self, job: UploadJob) -> None:
        try:
            self.serverapp.event_logger.emit(schema_id=UPLOAD_EVENT_ID, data=event_of(job))
        except Exception:  # the sync continues even if its event cannot be sent
            self.log.exception("nbrucio: the progress of an upload was not sent")
