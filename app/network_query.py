"""What an address says of a network beside its key: the dataset it is for, and a family's parameters."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from core.known_datasets import known_dataset
from core.known_networks import Network, network_by_key

_Text = Annotated[str | None, Field(max_length=64)]


class NetworkQuery(BaseModel):
    """As texts, which the family itself reads; what is absent is as in its preset."""

    model_config = ConfigDict(frozen=True)

    dataset: _Text = Field(None, description="Whose images and classes it is for.", examples=["digits"])
    filters: _Text = Field(None, description="With commas between them.", examples=["6,16"])
    hidden: _Text = Field(None, description="With commas between them; empty for none.", examples=["120,84"])
    pool: _Text = Field(None, examples=["max"])
    activation: _Text = Field(None, examples=["relu"])
    padding: _Text = Field(None, examples=["2"])
    batch_norm: _Text = Field(None, examples=["true"])
    dropout: _Text = Field(None, examples=["0.5"])

    @property
    def parameters(self) -> dict[str, Any]:  # texts and lists of them, for pydantic to judge
        given = self.model_dump(include={*NetworkQuery.model_fields} - {"dataset"}, exclude_none=True)
        for name in ("filters", "hidden"):
            if name in given:
                given[name] = [part for part in given[name].split(",") if part]
        return given

    def network(self, session: Session, key: str) -> Network:
        """Raises UnknownDataset and what `network_by_key` does."""
        dataset = known_dataset(session, self.dataset) if self.dataset else None
        return network_by_key(session, key, dataset, self.parameters)
