"""The raw sheets of Sprites in one folder: the real ones, or the stand-in by the same names.

The folder holds `<part>/<number>.png` and `index.json`: the source in words and each sheet's
sha256, size in bytes, and whether it is the published one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from v3.base.files import atomic_folder
from v3.corpora.sprites.params import DownloadParams, PartsParams
from v3.corpora.sprites.sheet import write_index
from v3.download.fetch import fetch

# The texts that the sheets come under, kept beside them.
TEXTS = ("README.md", "CC-BY-SA-3.0-LICENSE", "GNU-GPL-3.0-LICENSE")
PINNED = "3ce4048c5227802bd8f1888e293fd3afdba91c0c"  # the commit that the digests are of
DIGESTS = {  # sha256 of each sheet
    "body/0.png": "27d1ac78db37c42f35a20d15c42705efc5e58d47c236cc01423879d4f797f151",
    "body/1.png": "1535e9228357b884df80f777a0d1dac10ac35e550e4d8d077105ccad014a1460",
    "body/2.png": "7c241033b4897501cb3721b6c3a9ebfa94b13db10a539edbd9bcc3e0c2a4bcb9",
    "body/3.png": "055f5aa33fc112d8444b42fce2cf50608a9fbbf2466c54ceaa46c777589a717a",
    "body/4.png": "57f3b9c510482379aba9a32fc0de7d48e9cbe3dc40f2447283547f773b77ca72",
    "body/5.png": "91e49453aeab5ebbb4fd2b48253812895dcfb4cb1829b84e24425c66de8f04ff",
    "bottomwear/0.png": "4ec356c488e272fde2d2d0d722b12a80217871e41161d43ba784caf243969ec2",
    "bottomwear/1.png": "0674312eaa4ab548f8bb31ef95d7dbd46b41555758cec51bd6c3e9fac9a0f936",
    "bottomwear/2.png": "3b464feb0d20ff34b0ca2a6d1fd00766ad86e2229c3d56ff91379fe27588a893",
    "bottomwear/3.png": "b366e84ea0519d06cf693f51e0ee2f9ac32b3132d27c75dfdc4b6f52fca072de",
    "bottomwear/4.png": "4ed7e7702e4f50b9692c0043be04b7296a108d85ea97230fb50d13c150d98771",
    "bottomwear/5.png": "a5c5e7e33f13fe5ad37b5836a5a74fb0d2094a0877c2146961b88688ff85840d",
    "topwear/0.png": "b917edcf2b3c35d51ef57a6fad67557c5edf048785bea29db09a640d09ac9a90",
    "topwear/1.png": "e33c6cb31ed1268a2c0dc73b665b1c9b9420e22baf3321880222bdb22682368b",
    "topwear/2.png": "2b9b8fefa08894b7ea536cd62b86d494aefe6e54495c5c1d83460827b13b6448",
    "topwear/3.png": "807f5b628592f6747e2814be9435963069dba6c360577168c02f57bbe903433d",
    "topwear/4.png": "b51b17878503877e179ce4f9231713bf2b2d2d666c3ec9ee29f4e784469867a2",
    "topwear/5.png": "1b6049d43f83ebfda857cc405d1936ac9fd80be480fa6ad239024a6a75ad0372",
    "hair/0.png": "e4007b0635a239ad16cdebfe90759349ccc73dfc6836c9d19625714be185f43d",
    "hair/1.png": "fa6369f84d3310705df6d8ca8c9d515a7d211e73d2826c50a9cb5bb285652c66",
    "hair/2.png": "1b8046752be7233e829ebe9b11048e171d8d181ee6f68e07042b34f57bb8af0d",
    "hair/3.png": "333783285c5fd94ff434ae5000d2da39aac7940269f173119eaa70d34c8acfa1",
    "hair/4.png": "24df8e9b291cbd444f6c4d12d35b3d43d909cd13f04e6401e0fd8ab10216d5a2",
    "hair/5.png": "4dd471cc20e0b1cf71adcaab01c88598767e5cfe680adacdf560ca91574f17ae",
    "hair/6.png": "383c2297bf411091dfcb9e250c30912b97a13094fb2465987e961d475855d331",
    "hair/7.png": "c4460119998811c4a1bcb8ccbb22f5d9a8ee84abe30880677e70b7106341e67d",
    "hair/8.png": "ea2cd93e23bafd8962caf6f7e7e4c97e73f5742bd9527254abeb6ddfd510d34a",
    "hair/9.png": "94939929ec5fc142671090a1d83b9e6f89784f3022925fad2e1e19c5dced133d",
    "shoes/1.png": "d56a561616a20a12030d2d40a52eeec63e6d048871bf3b6994221869362151f1",
}


def bring_real(raw: str | Path, parts: PartsParams, download: DownloadParams) -> None:
    """Fetch the sheets that `parts` names, and the texts, into the folder `raw`.

    Digests are known for the sheets of the pinned commit that the published recipe uses; others are
    taken as their address has them. `V3Error` of `fetch` if one cannot be had or is another file.
    """
    known = DIGESTS if download.commit == PINNED else {}
    published = {}
    with atomic_folder(raw) as folder:
        for name in (*parts.sheets(), *TEXTS):
            url = f"{download.address}/{download.commit}/{name}"
            fetched = fetch(url, sha256=known.get(name))
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(fetched.path, folder / name)
            published[name] = fetched.as_published
        sheets = parts.sheets()
        odd = [name for name in sheets if not published[name]]
        source = f"Sprites: {len(sheets)} sheets of the Liberated Pixel Cup, commit "
        source += download.commit[:8]
        if odd:
            source += f"; not as published: {', '.join(odd)}"
        write_index(folder, source, {name: published[name] for name in sheets})
