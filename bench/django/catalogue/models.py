from django.db import models


class Business(models.Model):
    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=80)

    class Meta:
        managed = False
        db_table = "business"

    def __str__(self):
        return self.name


class Task(models.Model):
    id = models.BigIntegerField(primary_key=True)
    title = models.CharField(max_length=120)
    message = models.TextField(null=True)
    business = models.ForeignKey(Business, models.DO_NOTHING, db_constraint=False)
    form_id = models.BigIntegerField(null=True)
    priority = models.IntegerField()
    active = models.BooleanField()
    modified_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "task"
        ordering = ["-modified_at", "-id"]
